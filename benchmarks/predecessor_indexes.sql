-- The indexes of the predecessor after its seven migrations (the seventh mended by hand), primary keys aside: facts read
-- off its catalog, adapted to the names of the enum types here; allergies.active, which is no more, reads "isActive".

-- allergies
CREATE INDEX "allergies_allergyType_severity_idx" ON allergies USING btree ("allergyType", severity);
CREATE INDEX "allergies_epiPenExpiration_idx" ON allergies USING btree ("epiPenExpiration");
CREATE INDEX "allergies_isActive_idx" ON allergies USING btree ("isActive");
CREATE INDEX "allergies_severity_idx" ON allergies USING btree (severity);
CREATE INDEX "allergies_studentId_active_idx" ON allergies USING btree ("studentId", "isActive");
CREATE INDEX "allergies_student_idx" ON allergies USING btree ("studentId");
CREATE INDEX "idx_allergies_critical" ON allergies USING btree ("studentId", severity) WHERE (("isActive" = true) AND (severity = 'LIFE_THREATENING'::"AllergySeverity"));
CREATE INDEX "idx_allergies_student" ON allergies USING btree ("studentId", severity) WHERE ("isActive" = true);
-- appointments
CREATE INDEX appointments_nurse_scheduled_idx ON appointments USING btree ("nurseId", "scheduledAt");
CREATE INDEX appointments_status_idx ON appointments USING btree (status);
CREATE INDEX appointments_student_idx ON appointments USING btree ("studentId");
CREATE INDEX idx_appointment_availability ON appointments USING btree ("nurseId", "scheduledAt", status, duration);
CREATE INDEX idx_appointments_date_range ON appointments USING btree ("scheduledAt", status) WHERE (status <> 'CANCELLED'::"AppointmentStatus");
CREATE INDEX idx_appointments_student ON appointments USING btree ("studentId", "scheduledAt" DESC, status);
CREATE INDEX idx_appointments_upcoming ON appointments USING btree ("nurseId", "scheduledAt", status) WHERE (status = ANY (ARRAY['SCHEDULED'::"AppointmentStatus", 'IN_PROGRESS'::"AppointmentStatus"]));
-- chronic_conditions
CREATE INDEX "chronic_conditions_nextReviewDate_idx" ON chronic_conditions USING btree ("nextReviewDate");
CREATE INDEX chronic_conditions_severity_status_idx ON chronic_conditions USING btree (severity, status);
CREATE INDEX chronic_conditions_status_idx ON chronic_conditions USING btree (status);
CREATE INDEX "chronic_conditions_studentId_status_idx" ON chronic_conditions USING btree ("studentId", status);
CREATE INDEX chronic_conditions_student_idx ON chronic_conditions USING btree ("studentId");
CREATE INDEX idx_chronic_conditions_student ON chronic_conditions USING btree ("studentId", status) WHERE (status = 'ACTIVE'::"ConditionStatus");
-- configuration_history
CREATE INDEX "configuration_history_changedBy_createdAt_idx" ON configuration_history USING btree ("changedBy", "createdAt");
CREATE INDEX "configuration_history_configKey_createdAt_idx" ON configuration_history USING btree ("configKey", "createdAt");
CREATE INDEX "configuration_history_configurationId_createdAt_idx" ON configuration_history USING btree ("configurationId", "createdAt");
-- contacts
CREATE INDEX contacts_email_idx ON contacts USING btree (email);
CREATE INDEX "contacts_isActive_idx" ON contacts USING btree ("isActive");
CREATE INDEX contacts_name_idx ON contacts USING btree ("firstName", "lastName");
CREATE INDEX "contacts_relationTo_idx" ON contacts USING btree ("relationTo");
CREATE INDEX contacts_type_idx ON contacts USING btree (type);
-- districts
CREATE UNIQUE INDEX "districts_code_key" ON districts (code);
CREATE UNIQUE INDEX districts_code_unique ON districts USING btree (code);
CREATE INDEX "districts_isActive_idx" ON districts USING btree ("isActive");
-- emergency_contacts
CREATE INDEX "emergency_contacts_isActive_idx" ON emergency_contacts USING btree ("isActive");
CREATE INDEX emergency_contacts_priority_idx ON emergency_contacts USING btree (priority);
CREATE INDEX emergency_contacts_student_idx ON emergency_contacts USING btree ("studentId");
CREATE INDEX idx_emergency_contacts_primary ON emergency_contacts USING btree ("studentId", "isPrimary") WHERE (("isPrimary" = true) AND ("isActive" = true));
CREATE INDEX idx_emergency_contacts_student ON emergency_contacts USING btree ("studentId", priority) WHERE ("isActive" = true);
-- growth_measurements
CREATE INDEX "growth_measurements_measurementDate_idx" ON growth_measurements USING btree ("measurementDate");
CREATE INDEX "growth_measurements_studentId_measurementDate_idx" ON growth_measurements USING btree ("studentId", "measurementDate");
-- health_records
CREATE INDEX "health_records_createdBy_idx" ON health_records USING btree ("createdBy");
CREATE INDEX "health_records_followUpRequired_followUpDate_idx" ON health_records USING btree ("followUpRequired", "followUpDate");
CREATE INDEX "health_records_recordType_recordDate_idx" ON health_records USING btree ("recordType", "recordDate");
CREATE INDEX "health_records_studentId_recordDate_idx" ON health_records USING btree ("studentId", "recordDate");
CREATE INDEX health_records_student_date_idx ON health_records USING btree ("studentId", "recordDate");
CREATE INDEX health_records_type_idx ON health_records USING btree ("recordType");
CREATE INDEX idx_health_records_confidential ON health_records USING btree ("isConfidential", "studentId") WHERE ("isConfidential" = true);
CREATE INDEX idx_health_records_provider ON health_records USING btree ("providerNpi", "recordDate" DESC) WHERE ("providerNpi" IS NOT NULL);
CREATE INDEX idx_health_records_student_date ON health_records USING btree ("studentId", "recordDate" DESC, "recordType");
CREATE INDEX idx_health_records_type_date ON health_records USING btree ("recordType", "recordDate" DESC);
-- incident_reports
CREATE INDEX idx_incident_reports_critical ON incident_reports USING btree (severity, "occurredAt" DESC) WHERE (severity = ANY (ARRAY['HIGH'::"IncidentSeverity", 'CRITICAL'::"IncidentSeverity"]));
CREATE INDEX idx_incident_reports_filters ON incident_reports USING btree (type, severity, "occurredAt" DESC);
CREATE INDEX idx_incident_reports_reporter ON incident_reports USING btree ("reportedById", "occurredAt" DESC);
CREATE INDEX idx_incident_reports_student ON incident_reports USING btree ("studentId", "occurredAt" DESC, severity);
CREATE INDEX incident_reports_occurred_idx ON incident_reports USING btree ("occurredAt");
CREATE INDEX incident_reports_severity_idx ON incident_reports USING btree (severity);
CREATE INDEX incident_reports_student_idx ON incident_reports USING btree ("studentId");
CREATE INDEX incident_reports_type_idx ON incident_reports USING btree (type);
-- medication_logs
CREATE INDEX idx_medication_logs_nurse ON medication_logs USING btree ("nurseId", "timeGiven" DESC);
CREATE INDEX idx_medication_logs_student ON medication_logs USING btree ("studentMedicationId", "timeGiven" DESC);
CREATE INDEX medication_logs_nurse_idx ON medication_logs USING btree ("nurseId");
CREATE INDEX medication_logs_student_med_time_idx ON medication_logs USING btree ("studentMedicationId", "timeGiven");
-- medications
CREATE INDEX idx_medications_category_active ON medications USING btree (category, "isActive");
CREATE INDEX idx_medications_expiration ON medications USING btree ("expirationDate", "isActive") WHERE (("isActive" = true) AND ("expirationDate" IS NOT NULL));
CREATE INDEX idx_medications_search ON medications USING gin (to_tsvector('english'::regconfig, (((name)::text || ' '::text) || (COALESCE("genericName", ''::character varying))::text)));
CREATE INDEX idx_medications_stock ON medications USING btree ("stockQuantity", "minimumStock") WHERE (("isActive" = true) AND ("stockQuantity" <= "minimumStock"));
CREATE INDEX medications_category_idx ON medications USING btree (category);
CREATE INDEX "medications_isActive_idx" ON medications USING btree ("isActive");
CREATE INDEX medications_name_idx ON medications USING btree (name);
-- schools
CREATE UNIQUE INDEX "schools_code_key" ON schools (code);
CREATE UNIQUE INDEX schools_code_unique ON schools USING btree (code);
CREATE INDEX "schools_districtId_idx" ON schools USING btree ("districtId");
CREATE INDEX "schools_isActive_idx" ON schools USING btree ("isActive");
-- screenings
CREATE INDEX "screenings_followUpDate_idx" ON screenings USING btree ("followUpDate");
CREATE INDEX "screenings_referralRequired_followUpRequired_idx" ON screenings USING btree ("referralRequired", "followUpRequired");
CREATE INDEX "screenings_screeningType_outcome_idx" ON screenings USING btree ("screeningType", outcome);
CREATE INDEX "screenings_studentId_screeningDate_idx" ON screenings USING btree ("studentId", "screeningDate");
-- student_medications
CREATE INDEX idx_medication_schedule ON student_medications USING btree ("studentId", "isActive", "startDate", "endDate");
CREATE INDEX idx_student_medications_active_dates ON student_medications USING btree ("isActive", "startDate", "endDate") WHERE ("isActive" = true);
CREATE INDEX idx_student_medications_student ON student_medications USING btree ("studentId", "isActive");
CREATE INDEX "student_medications_isActive_idx" ON student_medications USING btree ("isActive");
CREATE INDEX student_medications_medication_idx ON student_medications USING btree ("medicationId");
CREATE INDEX student_medications_student_idx ON student_medications USING btree ("studentId");
-- students
CREATE UNIQUE INDEX "students_medicalRecordNum_key" ON students ("medicalRecordNum");
CREATE UNIQUE INDEX "students_studentNumber_key" ON students ("studentNumber");
CREATE INDEX idx_students_grade_active ON students USING btree (grade, "isActive");
CREATE INDEX idx_students_health_overview ON students USING btree ("schoolId", grade, "isActive", "nurseId");
CREATE INDEX idx_students_nurse ON students USING btree ("nurseId") WHERE ("isActive" = true);
CREATE INDEX idx_students_school ON students USING btree ("schoolId") WHERE ("isActive" = true);
CREATE INDEX idx_students_search ON students USING gin (to_tsvector('english'::regconfig, ((((("firstName")::text || ' '::text) || ("lastName")::text) || ' '::text) || ("studentNumber")::text)));
CREATE INDEX "students_districtId_idx" ON students USING btree ("districtId");
CREATE INDEX students_grade_idx ON students USING btree (grade);
CREATE INDEX "students_isActive_idx" ON students USING btree ("isActive");
CREATE INDEX students_name_idx ON students USING btree ("lastName", "firstName");
CREATE INDEX "students_nurseId_idx" ON students USING btree ("nurseId");
CREATE INDEX "students_schoolId_idx" ON students USING btree ("schoolId");
CREATE UNIQUE INDEX "students_studentNumber_unique" ON students USING btree ("studentNumber");
-- system_configurations
CREATE UNIQUE INDEX "system_configurations_key_key" ON system_configurations (key);
CREATE INDEX system_configurations_category_active_idx ON system_configurations USING btree (category, "isActive") WHERE ("isActive" = true);
CREATE INDEX system_configurations_category_idx ON system_configurations USING btree (category);
CREATE INDEX "system_configurations_category_subCategory_idx" ON system_configurations USING btree (category, "subCategory");
CREATE INDEX "system_configurations_isActive_idx" ON system_configurations USING btree ("isActive");
CREATE UNIQUE INDEX system_configurations_key_unique ON system_configurations USING btree (key);
CREATE INDEX "system_configurations_scope_scopeId_idx" ON system_configurations USING btree (scope, "scopeId");
CREATE INDEX system_configurations_tags_idx ON system_configurations USING gin (tags);
-- users
CREATE UNIQUE INDEX "users_email_key" ON users (email);
CREATE INDEX idx_users_district ON users USING btree ("districtId") WHERE ("isActive" = true);
CREATE INDEX idx_users_role_active ON users USING btree (role, "isActive");
CREATE INDEX idx_users_school ON users USING btree ("schoolId") WHERE ("isActive" = true);
CREATE INDEX idx_users_search ON users USING gin (to_tsvector('english'::regconfig, ((((("firstName")::text || ' '::text) || ("lastName")::text) || ' '::text) || (email)::text)));
CREATE INDEX "users_districtId_idx" ON users USING btree ("districtId");
CREATE UNIQUE INDEX users_email_unique ON users USING btree (email);
CREATE INDEX "users_isActive_idx" ON users USING btree ("isActive");
CREATE INDEX users_role_idx ON users USING btree (role);
CREATE INDEX "users_schoolId_idx" ON users USING btree ("schoolId");
-- vaccinations
CREATE INDEX idx_vaccinations_compliance ON vaccinations USING btree ("vaccineType", "complianceStatus", "administrationDate" DESC);
CREATE INDEX idx_vaccinations_student ON vaccinations USING btree ("studentId", "administrationDate" DESC);
CREATE INDEX "vaccinations_expirationDate_idx" ON vaccinations USING btree ("expirationDate");
CREATE INDEX "vaccinations_nextDueDate_idx" ON vaccinations USING btree ("nextDueDate");
CREATE INDEX "vaccinations_studentId_administrationDate_idx" ON vaccinations USING btree ("studentId", "administrationDate");
CREATE INDEX "vaccinations_vaccineType_complianceStatus_idx" ON vaccinations USING btree ("vaccineType", "complianceStatus");
-- vital_signs
CREATE INDEX "vital_signs_appointmentId_idx" ON vital_signs USING btree ("appointmentId");
CREATE INDEX "vital_signs_measurementDate_idx" ON vital_signs USING btree ("measurementDate");
CREATE INDEX "vital_signs_studentId_measurementDate_idx" ON vital_signs USING btree ("studentId", "measurementDate");
